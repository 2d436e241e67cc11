"""A small library for learning and teaching multi-task learning.

The rooms, lowest floor first: `tasks` and `metrics`; `data`, `models` and `balancing`; `training` and `evaluation`;
`plotting`; `checks` and `claims`. A lower room never imports a higher one.
"""
