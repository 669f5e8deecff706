"""What is minimised: functions of a network's outputs and of targets, one kind a file."""
