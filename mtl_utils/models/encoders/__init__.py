"""Encoders as sequences of stages."""
