"""Trained networks measured on data sets, as the papers measured theirs.

protocols.py    which images of which data sets count
masks.py        folders of images with masks of parts
human36m.py     Human3.6M, labelled by `mannequin label`
measure.py      predictions and how good they are
published.py    what the papers report, and under which protocol
record.py       results as files
pictures.py     results to look at
"""
