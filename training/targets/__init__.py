"""What networks are asked for, one kind of value a file: how it is made of a clip, and the way back.

target.py        what a target is
parts.py         14 parts of the body at every pixel
depth_bins.py    depth from the pelvis at every pixel, in classes
joints.py        24 joints
action.py        what a person does
boxes.py         boxes of people, and maps of their centres
heatmaps.py      maps of 16 joints
"""
