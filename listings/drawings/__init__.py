"""Drawings that stand in for photos: flat scenes as SVG, each following from its key alone."""
