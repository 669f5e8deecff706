"""What networks are trained for, one task a file; ``mannequin.training.registry`` knows them by name.

class_maps.py      what tasks share that give every pixel a class
segmentation.py    the 14 parts of the body
depth.py           depth from the pelvis
action.py          what a person does in a film
detection.py       where people are: boxes
pose2d.py          2D joints, from the image and a frozen network's parts
"""
