"""What people look like: outfits, cloth, skin and hair, painted on a body's atlas and draped over its surface."""
