"""What networks are trained for, one task a file.

network.py         options of the network; needs no torch
maps.py            what tasks share that give every pixel a class
segmentation.py    the 14 parts of the body
depth.py           depth from the pelvis
registry.py        tasks by name, and trained networks out of checkpoints
"""
