// The rows of a view as a replay leaves them, in memory.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "pipeline/pipeline.h"
#include "storage/view_tables.h"

namespace wayside {

class ReplayedView {
 public:
  // Begins with what is in `snapshot`, a path; "": with nothing. kUsage: there is no view of this
  // name.
  static Result<std::unique_ptr<ReplayedView>> make(const Pipeline& pipeline,
                                                    const std::string& name,
                                                    const std::string& snapshot);
  Status take(const ViewChanges& changes, uint64_t entry);
  // Each row as a JSON object, with its event time, in the order of what names it.
  Status write(const std::function<void(std::string_view line)>& write);

 private:
  Status load(const std::string& snapshot);
  explicit ReplayedView(std::unique_ptr<Database> db) : db_(std::move(db)), tables_(*db_) {}
  std::unique_ptr<Database> db_;
  ViewTables tables_;
  ViewShape shape_;
};

}  // namespace wayside
