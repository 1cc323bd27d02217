// What is damaged in a journal costs what it held, and nothing else.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/bytes.h"
#include "storage/journal.h"
#include "tests/journal_checks.h"

namespace wayside {
namespace {

// Seven entries a file: 1 to 7, 8 to 14, 15 to 20.
constexpr uint64_t kEntries = 20;

class JournalDamage : public testing::Test {
 protected:
  JournalDamage() {
    journal_ = open_journal(disk_);
    for (uint64_t s = 1; s <= kEntries; ++s) append(*journal_, s);
    journal_.reset();
  }
  static uint64_t page_of(uint64_t sequence) { return 1 + (sequence - 1) % 7; }
  static std::string file_with(uint64_t sequence) { return file_of((sequence - 1) / 7 * 7 + 1); }
  void damage(uint64_t sequence) {
    std::string bytes = disk_.contents(file_with(sequence));
    char& c = bytes[page_of(sequence) * kJournalPage + 100];
    c = static_cast<char>(~c);
    disk_.set_contents(file_with(sequence), bytes);
  }
  std::vector<uint64_t> read() {
    std::vector<uint64_t> found;
    JournalReader reader(disk_, kDir);
    uint64_t oldest = 0;
    EXPECT_TRUE(reader.seek(1, oldest).ok());
    JournalEntry entry;
    while (*reader.next(entry)) {
      EXPECT_EQ(entry.block, block_of(entry.sequence, entry.block.size()));
      found.push_back(entry.sequence);
    }
    return found;
  }
  static std::vector<uint64_t> all_but(std::set<uint64_t> lost, uint64_t last = kEntries) {
    std::vector<uint64_t> rest;
    for (uint64_t s = 1; s <= last; ++s) {
      if (!lost.contains(s)) rest.push_back(s);
    }
    return rest;
  }
  void open() { journal_ = open_journal(disk_); }
  size_t aside() const {
    size_t n = 0;
    for (const std::string& path : disk_.paths()) n += path.find(".bad") != std::string::npos;
    return n;
  }

  FaultyDisk disk_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(JournalDamage, any_entry_may_be_damaged_and_the_others_are_read) {
  for (uint64_t s = 1; s <= kEntries; ++s) {
    SCOPED_TRACE(s);
    const std::string whole = disk_.contents(file_with(s));
    damage(s);
    EXPECT_EQ(read(), all_but({s}));
    JournalReader reader(disk_, kDir);
    uint64_t oldest = 0;
    EXPECT_EQ(*reader.seek(s, oldest), s == kEntries) << "nothing is there behind the last one";
    EXPECT_EQ(oldest, s == kEntries ? s : s + 1);
    disk_.set_contents(file_with(s), whole);
  }
}

TEST_F(JournalDamage, entries_behind_a_damaged_one_are_not_overwritten) {
  damage(17);
  open();
  EXPECT_EQ(journal_->last_sequence(), kEntries);
  ASSERT_EQ(journal_->damage().size(), 1u);
  EXPECT_EQ(journal_->damage()[0].from, 17u);
  EXPECT_EQ(journal_->damage()[0].to, 17u);
  EXPECT_EQ(journal_->damage()[0].kind, Damage::Kind::kLoss);
  for (uint64_t s = kEntries + 1; s <= kEntries + 5; ++s) append(*journal_, s);
  EXPECT_EQ(read(), all_but({17}, kEntries + 5));
}

TEST_F(JournalDamage, first_pages_take_no_entries_with_them_and_are_made_again) {
  for (uint64_t first : {1, 8, 15}) {
    std::string bytes = disk_.contents(file_of(first));
    std::fill_n(bytes.begin(), kJournalPage, 'x');
    disk_.set_contents(file_of(first), bytes);
  }
  EXPECT_EQ(read(), all_but({}));
  open();
  EXPECT_EQ(journal_->last_sequence(), kEntries);
  EXPECT_EQ(journal_->damage().size(), 3u);
  open();
  EXPECT_TRUE(journal_->damage().empty()) << "it is told once";
  append(*journal_, kEntries + 1);
  EXPECT_EQ(read(), all_but({}, kEntries + 1));
}

TEST_F(JournalDamage, a_newest_file_that_cannot_be_read_is_set_aside) {
  disk_.set_contents(file_of(15), std::string(kOptions.file_bytes, 'x'));
  open();
  EXPECT_EQ(journal_->last_sequence(), 14u);
  ASSERT_EQ(journal_->damage().size(), 1u);
  EXPECT_EQ(journal_->damage()[0].from, 15u);
  EXPECT_EQ(journal_->damage()[0].kept_as, "journal/000000000000000f.wsj.bad");
  EXPECT_EQ(disk_.contents(file_of(15) + ".bad"), std::string(kOptions.file_bytes, 'x'));
  append(*journal_, 15);
  EXPECT_EQ(read(), all_but({}, 15));
}

TEST_F(JournalDamage, a_file_that_is_missing_or_cut_is_a_gap) {
  disk_.drop(file_of(8));
  EXPECT_EQ(read(), all_but({8, 9, 10, 11, 12, 13, 14}));
  std::string bytes = disk_.contents(file_of(15));
  disk_.set_contents(file_of(15), bytes.substr(0, 3 * kJournalPage + 50));  // in the middle of 17
  open();
  EXPECT_EQ(journal_->last_sequence(), 16u);
  ASSERT_EQ(journal_->damage().size(), 1u);
  EXPECT_EQ(journal_->damage()[0].kind, Damage::Kind::kLoss);
  append(*journal_, 17);
  EXPECT_EQ(disk_.contents(file_of(15)).size(), 3 * kJournalPage + 50) << "a new file was begun";
  EXPECT_EQ(read(), all_but({8, 9, 10, 11, 12, 13, 14}, 17));
}

TEST_F(JournalDamage, files_of_no_size_are_set_aside_some_of_them_kept) {
  for (uint64_t first : {3, 9, 11, 30, 31, 32}) disk_.set_contents(file_of(first), "");
  open();
  EXPECT_EQ(journal_->last_sequence(), kEntries);
  EXPECT_EQ(journal_->damage().size(), 6u);
  EXPECT_EQ(aside(), kOptions.damaged_files);
  append(*journal_, kEntries + 1);
  EXPECT_EQ(read(), all_but({}, kEntries + 1));
}

TEST_F(JournalDamage, a_copy_under_another_name_hides_nothing) {
  for (uint64_t name : {3, 12, 16, 400}) {
    SCOPED_TRACE(name);
    disk_.set_contents(file_of(name), disk_.contents(file_of(8)));
    EXPECT_EQ(read(), all_but({}));
    open();
    EXPECT_EQ(journal_->last_sequence(), kEntries);
    EXPECT_FALSE(disk_.has(file_of(name)));
    EXPECT_EQ(read(), all_but({}));
  }
}

TEST_F(JournalDamage, a_file_under_a_wrong_name_gets_its_own_back) {
  disk_.set_contents(file_of(400), disk_.contents(file_of(8)));
  disk_.drop(file_of(8));
  open();
  EXPECT_EQ(journal_->last_sequence(), kEntries);
  EXPECT_FALSE(disk_.has(file_of(400)));
  EXPECT_EQ(read(), all_but({}));
  ASSERT_EQ(journal_->damage().size(), 1u);
  EXPECT_EQ(journal_->damage()[0].kind, Damage::Kind::kRepaired);
}

TEST_F(JournalDamage, a_torn_end_is_told_and_is_no_loss) {
  damage(kEntries);
  open();
  EXPECT_EQ(journal_->last_sequence(), kEntries - 1);
  ASSERT_EQ(journal_->damage().size(), 1u);
  EXPECT_EQ(journal_->damage()[0].kind, Damage::Kind::kTorn);
  EXPECT_EQ(journal_->damage()[0].from, kEntries);
}

TEST_F(JournalDamage, what_a_recycled_file_held_before_is_no_damage) {
  open();
  for (uint64_t s = kEntries + 1; s <= 100; ++s) {
    append(*journal_, s);
    open();
    EXPECT_TRUE(journal_->damage().empty()) << s;
    EXPECT_EQ(journal_->last_sequence(), s);
  }
}

TEST_F(JournalDamage, a_spare_of_any_content_does_no_harm) {
  disk_.set_contents(kDir + "/spare", disk_.contents(file_of(15)) + "more");
  open();
  EXPECT_TRUE(journal_->damage().empty());
  for (uint64_t s = kEntries + 1; s <= kEntries + 5; ++s) append(*journal_, s);
  EXPECT_EQ(read(), all_but({}, kEntries + 5));
}

TEST_F(JournalDamage, each_file_says_what_was_known_before_it) {
  EXPECT_EQ(open_journal(disk_)->preambles(), std::vector<std::string>(3));
  open();
  for (uint64_t s = kEntries + 1; s <= 60; ++s) {
    journal_->preamble = [&] { return "before " + std::to_string(s); };
    append(*journal_, s);
  }
  open();
  EXPECT_EQ(journal_->preambles(),
            (std::vector<std::string>{"before 36", "before 43", "before 50", "before 57"}));
  std::string bytes = disk_.contents(file_of(50));
  bytes[35] = static_cast<char>(~bytes[35]);
  disk_.set_contents(file_of(50), bytes);
  open();
  EXPECT_EQ(journal_->preambles(),
            (std::vector<std::string>{"before 36", "before 43", "", "before 57"}));
}

TEST_F(JournalDamage, entries_know_what_was_said_before_them) {
  open();
  const uint64_t numbers[] = {0, 7, UINT32_MAX, uint64_t{1} << 40};
  for (uint64_t n : numbers) ASSERT_TRUE(journal_->append(1, 2, {}, "x", n).ok());
  JournalReader reader(disk_, kDir);
  uint64_t oldest = 0;
  ASSERT_TRUE(*reader.seek(kEntries + 1, oldest));
  JournalEntry entry;
  for (uint64_t n : numbers) {
    ASSERT_TRUE(*reader.next(entry));
    EXPECT_EQ(entry.said_before, n);
  }
}

TEST_F(JournalDamage, a_page_that_cannot_be_read_costs_its_entry) {
  for (uint64_t s = 1; s <= kEntries; ++s) {
    SCOPED_TRACE(s);
    disk_.wear_out(file_with(s), page_of(s) * kJournalPage + 512, 512);
    EXPECT_EQ(read(), all_but({s}));
    open();
    EXPECT_EQ(journal_->last_sequence(), s == kEntries ? s - 1 : kEntries);
    disk_.wear_out(file_with(s), 0, 0);
  }
}

TEST_F(JournalDamage, a_file_with_a_page_that_cannot_be_read_is_not_appended_to) {
  for (const uint64_t page : {page_of(17), page_of(kEntries) + 1}) {
    SCOPED_TRACE(page);
    const uint64_t lost = page == page_of(17) ? 17 : kEntries + 1;
    disk_.wear_out(file_of(15), page * kJournalPage, kJournalPage);
    disk_.drop(file_of(kEntries + 1));
    open();
    EXPECT_EQ(journal_->last_sequence(), kEntries);
    ASSERT_FALSE(journal_->damage().empty());
    EXPECT_EQ(journal_->damage()[0].kind, Damage::Kind::kLoss);
    EXPECT_EQ(journal_->damage()[0].from, lost);
    append(*journal_, kEntries + 1);
    EXPECT_TRUE(disk_.has(file_of(kEntries + 1)));
    EXPECT_EQ(read(), all_but({lost == 17 ? lost : 0}, kEntries + 1));
  }
}

TEST_F(JournalDamage, a_first_page_that_cannot_be_read_takes_no_entries_with_it) {
  for (const uint64_t first : {8, 15}) disk_.wear_out(file_of(first), 0, kJournalPage);
  EXPECT_EQ(read(), all_but({}));
  open();
  EXPECT_EQ(journal_->last_sequence(), kEntries);
  append(*journal_, kEntries + 1);
  EXPECT_EQ(read(), all_but({}, kEntries + 1));
}

TEST_F(JournalDamage, a_file_that_holds_nothing_hides_no_entries_of_the_one_before) {
  for (const std::string& hollow : {std::string(), std::string(3 * kJournalPage, '\0')}) {
    disk_.set_contents(file_of(11), hollow);
    open();
    EXPECT_FALSE(disk_.has(file_of(11)));
    ASSERT_EQ(journal_->damage().size(), 1u);
    EXPECT_EQ(journal_->damage()[0].kind, Damage::Kind::kLoss);
    EXPECT_EQ(journal_->damage()[0].from, 11u);
    EXPECT_EQ(read(), all_but({}));
    journal_ = nullptr;
  }
}

// Files as the first version wrote them: a shorter header, nothing said in entries.
TEST_F(JournalDamage, files_of_version_1_are_read) {
  std::string page;
  ByteWriter out(page);
  out.fixed<uint32_t>(0x314a5357);
  out.fixed<uint32_t>(1);
  out.fixed<uint64_t>(8);
  out.fixed(crc32c(page));
  page.resize(kJournalPage);
  std::string bytes = disk_.contents(file_of(8));
  disk_.set_contents(file_of(8), page + bytes.substr(kJournalPage));
  open();
  EXPECT_TRUE(journal_->damage().empty());
  EXPECT_EQ(read(), all_but({}));
}

}  // namespace
}  // namespace wayside
