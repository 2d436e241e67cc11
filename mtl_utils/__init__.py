"""A library for learning and teaching multi-task learning in computer vision.

    import mtl_utils

    pairs = mtl_utils.datasets.multi_mnist(train=6000, val=1000, test=2000)
    model = mtl_utils.models.hard_sharing(mtl_utils.models.lenet, pairs)
    history = mtl_utils.fit(model, pairs, epochs=4)

Rooms and functions are imported when they are first used. The floors, lowest first: `randomness`, `device` and `measures`;
`tasks`; `datasets` and `models`; `penalties` and `balancing`; `evaluation`; `training`; `analysis`, `problems` and
`tracking`; `experiments`; `plotting`; `lab`; `course`. A lower room never imports a higher one.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
