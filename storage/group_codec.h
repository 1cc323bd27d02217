// A group to the block of a journal entry, and back. The block names sources, fields and types
// itself, so that a journal stays readable whatever the configuration becomes; reading maps them to
// the schemas of today by name. docs/architecture.md draws the format.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sensors/group.h"

namespace wayside {

struct NamedSchema {
  std::string source;
  Schema schema;
};

// An empty one, with a place for each source.
Group make_group(const std::vector<NamedSchema>& sources);

// Appends the uncompressed block. `connections` are names of [[mqtt]] blocks, by index.
void encode_group(const Group& group, const std::vector<NamedSchema>& sources,
                  const std::vector<std::string>& connections, std::string& out);

// What an entry says of a source itself.
struct JournaledSource {
  std::string source;
  std::vector<Field> fields;
  size_t rows = 0;
};

// `group` comes out as if it had just been admitted. Sources that are no longer configured are left
// out, fields that are missing are null; `journaled` is told of all. The error says at which part
// the block is broken.
Status decode_group(std::string_view block, const std::vector<NamedSchema>& sources,
                    const std::vector<std::string>& connections, Group& group,
                    std::vector<JournaledSource>* journaled = nullptr);

// Adds the event times of all readings in the block, also of sources that nobody knows any more.
Status event_times(std::string_view block, std::vector<int64_t>& times);

}  // namespace wayside
