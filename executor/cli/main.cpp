// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <chimera/render/visible.hpp>
#include <chimera/version.hpp>

#include <executor/cli/commands.hpp>
#include <executor/engine/engine.hpp>
#include <executor/io/resources.hpp>
#include <executor/io/write.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>
#include <string>
#include <system_error>

namespace {

/// One line on standard error, whatever the text holds; bad input ends with 2.
int complain(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    for (char& c : text)
        if (c == '\n' || c == '\t') c = ' ';
    std::fprintf(stderr, "chimera: %s\n", chimera::format::visible(text).c_str());
    return 2;
}

/// Ends the program with one line instead of a signal, where C++ has no way on: a thread cannot be started while
/// others run, or an exception is outside any handler.
[[noreturn]] void give_up() noexcept {
    const char* why = "a thread was lost";
    if (const auto now = std::current_exception()) {
        try {
            std::rethrow_exception(now);
        } catch (const std::bad_alloc&) {
            why = "memory ran out";
        } catch (const std::exception& e) {
            why = e.what();
        } catch (...) {
        }
    }
    std::fprintf(stderr, "chimera: the program cannot go on (%s) allow it more threads and memory\n", why);
    std::_Exit(chimera::executor::hang_exit_status);
}

/// Opens those of the three standard files that are closed, lest a file of ours takes the place and gets what is printed.
/// As before, nothing can be read from or written to such a file.
void keep_standard_files() {
    for (int file = 0; file <= STDERR_FILENO; ++file)
        if (::fcntl(file, F_GETFD) == -1 && ::open("/dev/null", file == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) return;
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
    add_hardware(program, status);
    add_calibrate(program, status);
    add_train(program, status);
    add_completion(program, status);
    if (const std::string help = program.run(count, arguments); !help.empty()) write_output(help);
    return status;
}

}  // namespace

int main(int count, char** arguments) {
    keep_standard_files();
    std::signal(SIGXFSZ, SIG_IGN);  // a file that grows too large is then an error like a full disk
    std::set_terminate(give_up);
    chimera::executor::hold_to_memory();
    try {
        return run(count, arguments);
    } catch (const chimera::chimera_error& e) {
        return complain(e.what());
    } catch (const std::bad_alloc&) {
        return complain("memory ran out (this process may use " +
                        chimera::executor::bytes_text(chimera::executor::usable_memory()) + ") ask for less");
    } catch (const std::filesystem::filesystem_error& e) {
        return complain(e.what());
    } catch (const std::system_error& e) {
        return complain(std::string("the system refuses (") + e.what() + ") allow the program more threads");
    } catch (const std::exception& e) {
        return complain(e.what());
    }
}
