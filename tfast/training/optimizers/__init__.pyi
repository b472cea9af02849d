from . import fused_adam as fused_adam
from . import layerwise_steps as layerwise_steps
from . import lookahead as lookahead
from . import rectified_adam as rectified_adam
from .fused_adam import FusedAdam as FusedAdam
from .lookahead import Lookahead as Lookahead
from .lookahead import ranger as ranger
from .rectified_adam import RectifiedAdam as RectifiedAdam
