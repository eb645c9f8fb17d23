# SPDX-License-Identifier: Apache-2.0
"""What gpu_report.py makes a page of."""
