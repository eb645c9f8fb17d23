// SPDX-License-Identifier: Apache-2.0
#include <executor/io/stop_signal.hpp>

#include <unistd.h>
#include <csignal>

namespace chimera::executor {

namespace {

volatile std::sig_atomic_t signals = 0;
struct sigaction before_interrupt, before_terminate, before_size, before_pipe;

extern "C" void chimera_on_signal(int number) {
    if (signals) _exit(128 + number);
    signals = 1;
}

void handle(int number, void (*handler)(int), struct sigaction& before) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, &before);
}

}  // namespace

stop_request::stop_request() {
    signals = 0;
    handle(SIGINT, chimera_on_signal, before_interrupt);
    handle(SIGTERM, chimera_on_signal, before_terminate);
    handle(SIGXFSZ, SIG_IGN, before_size);
    handle(SIGPIPE, SIG_IGN, before_pipe);
}

stop_request::~stop_request() {
    sigaction(SIGINT, &before_interrupt, nullptr);
    sigaction(SIGTERM, &before_terminate, nullptr);
    sigaction(SIGXFSZ, &before_size, nullptr);
    sigaction(SIGPIPE, &before_pipe, nullptr);
    signals = 0;
}

bool stop_request::wanted() { return signals != 0; }

}  // namespace chimera::executor
