"""How good predictions are, one kind of them a file.

meter.py           what a meter is
segmentation.py    classes of pixels
depth.py           depth classes of pixels
classification.py  classes of samples
keypoints.py       joints
average_precision.py    boxes with scores
"""
