"""Path-traced images through Blender's Cycles. Nothing outside this package imports bpy."""
