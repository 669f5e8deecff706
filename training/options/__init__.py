"""Options of networks and their presets, one network a file. Nothing here needs torch: manuals appear at once."""
