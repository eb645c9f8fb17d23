// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <chimera/version.hpp>

#include <executor/cli/commands.hpp>
#include <executor/io/write.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

namespace {

/// One line on standard error, whatever the text holds; bad input ends with 2.
int complain(std::string text) {
    for (char& c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
    while (!text.empty() && text.back() == ' ') text.pop_back();
    std::fprintf(stderr, "chimera: %s\n", text.c_str());
    return 2;
}

std::string version() {
    return "chimera " + std::to_string(CHIMERA_VERSION_MAJOR) + '.' + std::to_string(CHIMERA_VERSION_MINOR) + '.' +
           std::to_string(CHIMERA_VERSION_PATCH);
}

int run(int count, char** arguments) {
    using namespace chimera::executor;
    int status = 0;
    command_line program(
        "chimera",
        "Plans and runs pipeline-parallel training: generates schedules, proves, simulates and executes them.",
        version());
    program.footer(
        "Each subcommand has its own help: chimera schedule --help\n"
        "Example: chimera schedule bidirectional --stages 4 --micro-batches 4");
    add_schedule(program, status);
    add_program(program, status);
    add_verify(program, status);
    add_simulate(program, status);
    add_compare(program, status);
    add_play(program, status);
    add_search(program, status);
    add_gallery(program, status);
    add_partition(program, status);
    add_plan(program, status);
    add_profile(program, status);
    add_calibrate(program, status);
    add_train(program, status);
    if (const std::string help = program.run(count, arguments); !help.empty()) write_output(help);
    return status;
}

/// Fills closed standard streams, whose numbers the next files to be opened would get: what is meant for a terminal
/// would be written into them. As before, nothing can be read from or written to such a stream.
void open_standard_streams() {
    for (int stream = 0; stream <= STDERR_FILENO; ++stream)
        if (::fcntl(stream, F_GETFD) < 0) ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

}  // namespace

int main(int count, char** arguments) {
    open_standard_streams();
    std::signal(SIGXFSZ, SIG_IGN);  // a file that grows too large is then an error like a full disk
    try {
        return run(count, arguments);
    } catch (const chimera::chimera_error& e) {
        return complain(e.what());
    } catch (const std::bad_alloc&) {
        return complain("memory ran out (what is asked for is too large) ask for less");
    } catch (const std::exception& e) {
        return complain(e.what());
    }
}
