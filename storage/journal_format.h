// The bytes of a journal file, for its reader and its writer. docs/architecture.md draws them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/disk.h"
#include "base/hash.h"
#include "base/result.h"

namespace wayside {

constexpr uint64_t kJournalPage = 4096;
constexpr size_t kJournalBlockMax = 64 << 20;

struct EntryHeader {
  static constexpr uint32_t kMagic = 0x31455357;  // "WSE1"
  static constexpr uint32_t kKnowsSaid = 1;

  uint32_t magic = kMagic;
  uint32_t flags = 0;          // kKnowsSaid, and above it bits 32 to 62 of said_before
  uint32_t payload_bytes = 0;  // compressed
  uint32_t block_bytes = 0;    // uncompressed
  uint64_t sequence = 0;
  uint64_t engine_stamp = 0;
  int64_t wall_ms = 0;
  Digest previous{};
  Digest emissions{};
  uint32_t said_low = 0;
  uint32_t crc = 0;  // of the header up to here and the payload

  uint64_t total() const { return sizeof(EntryHeader) + uint64_t{payload_bytes}; }
  void set_said_before(uint64_t number);
  std::optional<uint64_t> said_before() const;
  // Header and payload as they count for CRC and hash.
  uint32_t crc_of(std::string_view payload) const;
  Digest hash_of(std::string_view payload) const;
};
static_assert(sizeof(EntryHeader) == 80);

// The first page of a file.
struct FileHeader {
  uint64_t first_sequence = 0;
  uint64_t file_bytes = 0;  // as it was made; 0: not known (version 1)
  bool zeroed = false;      // when it was made; else it holds what was there before
  std::string preamble;     // the writer's; empty: none

  // A page. A preamble that is too long for it is left out.
  std::string to_page() const;
  // Nothing: that page is no whole header.
  static std::optional<FileHeader> from_page(std::string_view page);
};
constexpr size_t kPreambleMax = kJournalPage - 64;

// What a file is under its name.
struct FileLook {
  enum class Kind {
    kSound,
    kNoHeader,  // its entries may be good
    kForeign,   // another file, under a name that is not its own
    kUnusable,  // too short for any entry, or no file at all
    kGone,      // there is none of that name (any more)
  };
  Kind kind = Kind::kGone;
  FileHeader header;
  uint64_t size = 0;
};
Result<FileLook> look_at_file(Disk& disk, const std::string& dir, uint64_t first_sequence);

// As File::read_at, over what the medium does not give back: a page that fails twice while another
// one of the file can be read comes as bytes that are no entry, and is told by `unreadable`.
Result<size_t> read_pages(File& file, uint64_t offset, char* into, size_t size, bool& unreadable);

// Files are named by a journal entry: "0000000000000001.wsj" is 1; 0 is any other name.
std::string numbered_name(uint64_t entry, std::string_view suffix);
uint64_t number_of_name(std::string_view name, std::string_view suffix);

std::string journal_path(const std::string& dir, uint64_t first_sequence);
// Of the files in the folder, by their names, rising.
Result<std::vector<uint64_t>> first_sequences(Disk& disk, const std::string& dir);

constexpr uint64_t padded_to_page(uint64_t bytes) {
  return (bytes + kJournalPage - 1) / kJournalPage * kJournalPage;
}
inline bool is_zero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

}  // namespace wayside
