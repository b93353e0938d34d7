"""Molecules as sparse features."""

from cotrain.features._molecules import canonical_smiles, ecfp

__all__ = ["canonical_smiles", "ecfp"]
