#include "firmware-gw/anchor.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace wayside {
namespace {

constexpr const char* kHolds = "holds";

std::string changed(uint64_t before) {
  return "differs: the journal was changed before entry " + std::to_string(before);
}

}  // namespace

std::optional<JournalAnchor> JournalAnchor::parse(std::string_view text) {
  JournalAnchor anchor;
  const size_t colon = std::min(text.find(':'), text.size());
  const char* const end = text.data() + colon;
  const auto [at, error] = std::from_chars(text.data(), end, anchor.entry);
  if (error != std::errc() || at != end || colon == text.size()) return std::nullopt;
  anchor.hash = text.substr(colon + 1);
  const bool good = anchor.hash.size() == 2 * sizeof(Digest) && from_hex(anchor.hash);
  return good && anchor.entry > 0 ? std::optional(anchor) : std::nullopt;
}

// Each hash is over the one before, so that the anchor's own entry speaks for all before it, unless
// one of these is not there.
void AnchorCheck::see(const JournalEntry& entry, bool gap) {
  if (!anchor_ || !verdict_.empty()) return;
  if (oldest_ == 0) oldest_ = entry.sequence;
  last_ = entry.sequence;
  const uint64_t at = anchor_->entry;
  if (at + 1 < oldest_) {
    verdict_ = "cannot be told: the journal begins with entry " + std::to_string(oldest_) +
               ", by retention or because files were removed";
  } else if (gap) {
    verdict_ = changed(std::min(entry.sequence, at + 1));
  } else if (entry.sequence == at) {
    verdict_ = to_hex(entry.hash) == anchor_->hash ? kHolds : changed(at + 1);
  } else if (entry.sequence == at + 1 && entry.sequence == oldest_) {
    verdict_ = to_hex(entry.previous) == anchor_->hash ? kHolds : changed(at + 1);
  }
}

std::string AnchorCheck::verdict() const {
  if (!anchor_ || !verdict_.empty()) return verdict_;
  return "differs: the journal ends with entry " + std::to_string(last_);
}

}  // namespace wayside
