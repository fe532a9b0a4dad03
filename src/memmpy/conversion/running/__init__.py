"""Carries out the plan of a conversion: who reads what, and where it is written."""
