// What the parts of the store have in common: rows with their check sums.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/sqlite.h"
#include "storage/store.h"

namespace wayside {

std::string db_path(const std::string& dir);
Error damaged_row(const char* table);

// SQLite notices when its own structures are damaged, but not when what is in a row is. So each row
// that counts has a CRC-32C of its columns. Null: not known, in rows of format 1 and in those whose
// columns were changed in place.
int64_t row_crc(std::initializer_list<std::string_view> texts,
                std::initializer_list<uint64_t> numbers = {});
// Of what a statement reads as ifnull(crc, -1).
bool is_sound(int64_t kept, int64_t crc);

Result<std::vector<Epoch>> read_epochs(Database& db);
Result<Store::Recovered> read_recovered(Database& db, const std::function<Status(StateRow)>& take);
void write_reached(const Reached& at, ByteWriter& out);
Reached read_reached(ByteReader& in);

}  // namespace wayside
