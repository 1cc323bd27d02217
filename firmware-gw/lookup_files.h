// The files behind look-ups: read at the start, and when they have changed. What is in them becomes
// notes in the journal, which is all that the pipeline learns of them. On the loop's thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/disk.h"
#include "pipeline/lookup_contents.h"
#include "pipeline/pipeline.h"

namespace wayside {

class LookupFiles {
 public:
  explicit LookupFiles(const std::vector<LookupOptions>& lookups);

  // What a file holds now that the pipeline does not know yet, or why it could not be read; one at
  // a time, since contents are large. `timer_ms`: on the timer clock.
  std::optional<Note> next(const Pipeline& pipeline, int64_t timer_ms);
  // When next() is due.
  int64_t next_ms() const;

 private:
  struct File {
    const LookupOptions& options;
    int64_t due_ms = kTimeMin;
    std::string state{};  // of the file when it was read: what changes with it; "": not yet
    std::string error{};  // that was told
  };
  std::optional<Note> look(File& file, const Pipeline& pipeline);
  std::vector<File> files_;
};

// Reads the table that `options` name. An error names file, line and column.
Result<LookupContents> read_lookup(const LookupOptions& options, Disk& disk = posix_disk());

}  // namespace wayside
