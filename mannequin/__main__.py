from mannequin.cli.main import main

main()
