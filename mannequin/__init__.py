"""The command line of Mannequin, above generator, renderers and training; ``mannequin.view("out")`` shows a dataset in
a browser."""

from mannequin import view as view
