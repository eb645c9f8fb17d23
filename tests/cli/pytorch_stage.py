# SPDX-License-Identifier: Apache-2.0
"""A stage for PyTorch's schedules that has neither a module nor a process group."""
import torch
from torch.distributed.pipelining.stage import _PipelineStageBase


class Stage(_PipelineStageBase):
    """Rank 0's, of a schedule whose tables alone are of interest."""

    def __init__(self, stages, ranks):  # pylint: disable=super-init-not-called
        self.stage_index, self.num_stages, self.group_size, self.group_rank = 0, stages, ranks, 0
        self.group, self.submod, self.device, self.has_backward = None, None, torch.device("cpu"), True

    def _create_grad_recv_info(self, *_):
        return None

    def _prepare_forward_infra(self, *_):
        return None

    def _prepare_backward_infra(self, *_):
        return None
