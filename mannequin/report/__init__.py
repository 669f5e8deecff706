"""``mannequin report``: a dataset as one HTML file that needs nothing else.

tallies     counts of fixed size        gather      one pass over the clips
measures    what is measured of a clip  sections    the page, section by section
statistics  tallies of all clips        charts      inline SVG
write       puts it together            page        HTML, style and script-free layout
"""
