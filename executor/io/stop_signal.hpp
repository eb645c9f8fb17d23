// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace chimera::executor {

/// While it lives, the first SIGINT or SIGTERM only asks to stop, and the second ends the process at once (exit 128 +
/// signal). Also ignores SIGXFSZ and SIGPIPE, so that a file that may not grow and a closed terminal are errors of the
/// write. One at a time.
class stop_request {
public:
    stop_request();
    ~stop_request();
    stop_request(const stop_request&) = delete;
    stop_request& operator=(const stop_request&) = delete;

    static bool wanted();
};

}  // namespace chimera::executor
