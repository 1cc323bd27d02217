// On what each kind of block lets its words rest.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "firmware-gw/explain_rests.h"

namespace wayside {

// explain_same.cc: the row that was handed on, and from it what must be the same.
struct SameRow {
  bool time = true;
  bool fields = true;
};
std::unique_ptr<Rests> rests_of_row(const ToldRow& told, RestsContext& context, SameRow same);
// A row that has waited, so that another one is its cause.
std::unique_ptr<Rests> rests_of_order(const ToldRow& told, RestsContext& context);
std::unique_ptr<Rests> rests_of_map(const ToldRow& told, RestsContext& context,
                                    const MapOptions& options);

// explain_windows.cc: all rows of a key, of some time
std::unique_ptr<Rests> rests_of_window(const ToldRow& told, RestsContext& context,
                                       const WindowOptions& options);
std::unique_ptr<Rests> rests_of_state(const ToldRow& told, RestsContext& context,
                                      const StateOptions& options);

// explain_watches.cc: those that meet a condition
std::unique_ptr<Rests> rests_of_rule(const ToldRow& told, RestsContext& context,
                                     const RuleOptions& options);
std::unique_ptr<Rests> rests_of_detector(const ToldRow& told, RestsContext& context,
                                         const DetectorOptions& options);
std::unique_ptr<Rests> rests_of_pattern(const ToldRow& told, RestsContext& context,
                                        const PatternOptions& options);

// explain_joins.cc
std::unique_ptr<Rests> rests_of_join(const ToldRow& told, RestsContext& context,
                                     const JoinOptions& options);

// The expressions of a block, shared by all that it has told.
std::shared_ptr<RowExpressions> expressions_of(const ToldRow& told, RestsContext& context,
                                               std::vector<std::string> texts);
std::optional<int64_t> time_of(const Value* value);

}  // namespace wayside
