// Checks of the blocks that make streams of streams.
#pragma once

#include <set>
#include <string>

#include "config/findings.h"

namespace wayside {

// Blocks that are not clear enough to compile are added to `not_judged`.
void check_streams(const Config& config, Findings& found, std::set<std::string>& not_judged);

// Names of the streams that there are, in order.
std::vector<std::string> streams_of(const PipelineOptions& options);

// Takes out of `options` what reads something that is not there, or is in `not_judged`.
void keep_what_can_be_judged(PipelineOptions& options, const std::set<std::string>& not_judged);

}  // namespace wayside
