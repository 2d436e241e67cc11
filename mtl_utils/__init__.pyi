from . import (
    analysis as analysis,
)
from . import (
    balancing as balancing,
)
from . import (
    course as course,
)
from . import (
    datasets as datasets,
)
from . import (
    device as device,
)
from . import (
    evaluation as evaluation,
)
from . import (
    experiments as experiments,
)
from . import (
    lab as lab,
)
from . import (
    measures as measures,
)
from . import (
    models as models,
)
from . import (
    penalties as penalties,
)
from . import (
    plotting as plotting,
)
from . import (
    problems as problems,
)
from . import (
    randomness as randomness,
)
from . import (
    tasks as tasks,
)
from . import (
    tracking as tracking,
)
from . import (
    training as training,
)
from .evaluation import Evaluation as Evaluation
from .evaluation import evaluate as evaluate
from .evaluation import predict as predict
from .evaluation import predict_boxes as predict_boxes
from .evaluation import predict_files as predict_files
from .experiments import compare as compare
from .experiments import sweep_weights as sweep_weights
from .randomness import generator as generator
from .randomness import seeded as seeded
from .tasks import (
    Task as Task,
)
from .tasks import (
    classification as classification,
)
from .tasks import (
    grid_regression as grid_regression,
)
from .tasks import (
    pixel_classification as pixel_classification,
)
from .tasks import (
    pixel_regression as pixel_regression,
)
from .tasks import (
    regression as regression,
)
from .training import History as History
from .training import fit as fit
from .training import train as train
