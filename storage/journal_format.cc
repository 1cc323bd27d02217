#include "storage/journal_format.h"

#include <charconv>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "base/bytes.h"

namespace wayside {
namespace {

constexpr uint32_t kFileMagic = 0x314a5357;  // "WSJ1"
constexpr uint32_t kJournalVersion = 2;
constexpr uint32_t kZeroed = 1;

std::string_view bytes_of(const EntryHeader& h, size_t n = sizeof(EntryHeader)) {
  return {reinterpret_cast<const char*>(&h), n};
}

constexpr std::string_view kJournalSuffix = ".wsj";

}  // namespace

void EntryHeader::set_said_before(uint64_t number) {
  flags = kKnowsSaid | static_cast<uint32_t>(number >> 32) << 1;
  said_low = static_cast<uint32_t>(number);
}

std::optional<uint64_t> EntryHeader::said_before() const {
  if (!(flags & kKnowsSaid)) return std::nullopt;
  return uint64_t{flags >> 1} << 32 | said_low;
}

uint32_t EntryHeader::crc_of(std::string_view payload) const {
  return crc32c(payload, crc32c(bytes_of(*this, offsetof(EntryHeader, crc))));
}

Digest EntryHeader::hash_of(std::string_view payload) const {
  return sha256_16({bytes_of(*this), payload});
}

std::string FileHeader::to_page() const {
  std::string page;
  ByteWriter out(page);
  out.fixed(kFileMagic);
  out.fixed(kJournalVersion);
  out.fixed(first_sequence);
  out.fixed(file_bytes);
  out.fixed(zeroed ? kZeroed : 0u);
  const std::string_view kept = preamble.size() <= kPreambleMax ? preamble : std::string_view();
  out.fixed(static_cast<uint32_t>(kept.size()));
  out.raw(kept);
  out.fixed(crc32c(page));
  page.resize(kJournalPage);
  return page;
}

std::optional<FileHeader> FileHeader::from_page(std::string_view page) {
  ByteReader in(page);
  FileHeader header;
  const auto magic = in.fixed<uint32_t>();
  const auto version = in.fixed<uint32_t>();
  header.first_sequence = in.fixed<uint64_t>();
  if (magic != kFileMagic || version < 1 || version > kJournalVersion) return std::nullopt;
  if (version > 1) {
    header.file_bytes = in.fixed<uint64_t>();
    header.zeroed = in.fixed<uint32_t>() & kZeroed;
    header.preamble = in.raw(in.fixed<uint32_t>());
  }
  const size_t covered = page.size() - in.left();
  if (!in.ok() || in.fixed<uint32_t>() != crc32c(page.substr(0, covered)) || !in.ok()) {
    return std::nullopt;
  }
  return header;
}

Result<size_t> read_pages(File& file, uint64_t offset, char* into, size_t size, bool& unreadable) {
  auto whole = file.read_at(offset, into, size);
  if (whole.ok() || whole.error().code != ErrorCode::kIo) return whole;
  size_t done = 0;
  while (done < size) {
    const uint64_t at = offset + done;
    const size_t piece = std::min<size_t>(size - done, kJournalPage - at % kJournalPage);
    auto n = file.read_at(at, into + done, piece);
    if (!n.ok()) {
      // Is it this page, or the disk as a whole?
      char byte = 0;
      WS_TRY(file.read_at(at < kJournalPage ? kJournalPage : 0, &byte, 1));
      n = file.read_at(at, into + done, piece);
    }
    if (!n.ok()) {
      std::memset(into + done, 0xff, piece);
      unreadable = true;
    }
    done += n.ok() ? *n : piece;
    if (n.ok() && *n < piece) break;
  }
  return done;
}

std::string numbered_name(uint64_t entry, std::string_view suffix) {
  char name[17];
  std::snprintf(name, sizeof name, "%016llx", static_cast<unsigned long long>(entry));
  return std::string(name).append(suffix);
}

uint64_t number_of_name(std::string_view name, std::string_view suffix) {
  constexpr size_t kDigits = 16;
  uint64_t entry = 0;
  if (name.size() < kDigits || name.substr(kDigits) != suffix) return 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, entry, 16);
  return error == std::errc() && end == name.data() + kDigits ? entry : 0;
}

std::string journal_path(const std::string& dir, uint64_t first_sequence) {
  return dir + '/' + numbered_name(first_sequence, kJournalSuffix);
}

Result<std::vector<uint64_t>> first_sequences(Disk& disk, const std::string& dir) {
  WS_ASSIGN(std::vector<std::string> names, disk.list(dir));
  std::vector<uint64_t> sequences;
  for (const std::string& name : names) {
    if (uint64_t s = number_of_name(name, kJournalSuffix)) sequences.push_back(s);
  }
  std::sort(sequences.begin(), sequences.end());
  return sequences;
}

Result<FileLook> look_at_file(Disk& disk, const std::string& dir, uint64_t first_sequence) {
  FileLook look;
  const std::string path = journal_path(dir, first_sequence);
  auto file = disk.open(path, Disk::Mode::kRead);
  if (!file.ok()) {
    WS_ASSIGN(const auto names, first_sequences(disk, dir));
    if (!std::binary_search(names.begin(), names.end(), first_sequence)) return look;
    if (file.error().code != ErrorCode::kBadData) return file.error();
    look.kind = FileLook::Kind::kUnusable;
    return look;
  }
  WS_ASSIGN(look.size, (*file)->size());
  std::string pages(2 * kJournalPage, '\0');
  bool unreadable = false;  // the first page: as one that is no header
  auto read = read_pages(**file, 0, pages.data(), pages.size(), unreadable);
  if (!read.ok() && read.error().code != ErrorCode::kBadData) return read.error();
  if (!read.ok() || *read <= kJournalPage) {
    look.kind = FileLook::Kind::kUnusable;
    return look;
  }
  pages.resize(*read);
  auto header = FileHeader::from_page(std::string_view(pages).substr(0, kJournalPage));
  look.kind = FileLook::Kind::kNoHeader;
  if (!header) return look;
  look.header = std::move(*header);
  if (look.header.first_sequence == first_sequence) {
    look.kind = FileLook::Kind::kSound;
    return look;
  }
  // A power cut while it was made into another file leaves a new header over old entries. But when
  // the entries, too, are those of the other name, then the name is wrong.
  EntryHeader first;
  if (pages.size() >= kJournalPage + sizeof first) {
    std::memcpy(&first, pages.data() + kJournalPage, sizeof first);
    if (first.magic == EntryHeader::kMagic && first.sequence == look.header.first_sequence) {
      look.kind = FileLook::Kind::kForeign;
    }
  }
  return look;
}

}  // namespace wayside
