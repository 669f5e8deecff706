"""The thesis's experiments with training data (3.5.3 to 3.5.6), small, on data that the generator makes.

scale.py         how large: options
domains.py       the two kinds of images: for training, and a stand-in for real ones
plans.py         arms, and the directions that are expected of them, fixed beforehand
datasets.py      making clips of the domains, and samples of them in memory
runs.py          training and measuring an arm
statistics.py    paired differences
campaign.py      all runs of an experiment, each once
page.py          table, verdicts and plot
contact_sheet.py what the networks make of the same images, to look at
"""
