from mannequin.cli import main

main()
