// Windows configured at random, of all kinds and with all that they can be told, and a small fleet
// for them: with disorder, silence, gaps, readings that are late, and times that meet borders.
#pragma once

#include <string>

#include "tests/schedules.h"

namespace wayside {

struct WindowTrial {
  PipelineOptions options;  // two windows, perhaps a third one over the results of the first
  Fleet fleet;
};
WindowTrial make_window_trial(uint64_t seed);

// For messages: what is not as by default.
std::string describe(const WindowOptions& window);
std::string describe(const WindowTrial& trial);

// Lines by block and key, with the time of each result.
std::map<std::string, Lines> timed_lines(const std::vector<Emission>& emissions);

// The first place where two say something else, as a failure.
void expect_same_lines(const std::map<std::string, Lines>& seen,
                       const std::map<std::string, Lines>& expected);

}  // namespace wayside
