// How far an uplink has come, as Kafka remembers it. Each transaction writes its mark twice: as the
// metadata of a committed offset, which is one request to read but forgotten after a week without
// commits, and as a record of the mark topic, which is compacted and keeps the newest of each key.
// There is a key for each epoch, so that a store which was cloned overwrites no mark but its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/mark.h"
#include "storage/store.h"
#include "uplink/kafka_client.h"

namespace wayside::kafka {

class Marks {
 public:
  // `owner`: gateway and uplink.
  Marks(const UplinkOptions& options, std::string identity, std::string owner, AtMost at_most)
      : options_(options),
        identity_(std::move(identity)),
        owner_(std::move(owner)),
        at_most_(std::move(at_most)) {}

  // One partition, compacted. Whether it is there now, or was, or may not be made by us, shows in
  // the first transaction.
  Status make_topic(rd_kafka_t* producer) const;

  std::string key_of(const std::string& epoch) const { return owner_ + '.' + epoch; }

  // The text of the committed offset; "" if there is none.
  Result<std::string> committed() const;
  // The newest record of the last of `epochs` that has one.
  Result<std::optional<Mark>> newest_record(const std::vector<Epoch>& epochs) const;

 private:
  Result<int64_t> end_of_topic() const;

  const UplinkOptions& options_;
  std::string identity_;
  std::string owner_;
  AtMost at_most_;
};

}  // namespace wayside::kafka
