# SPDX-License-Identifier: Apache-2.0
"""What pytorch_gpu.py is made of."""
