// Registers of a Modbus device over TCP. Its answer's bytes are the payload, as they come: each
// register two, the higher one first.
#include <array>
#include <utility>

#include "sensors/tcp_poll.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr size_t kHeadBytes = 9;  // up to the number of bytes that follow, or the exception
constexpr size_t kBytesMax = 250;
constexpr uint8_t kException = 0x80;

void put16(uint8_t* to, uint32_t value) {
  to[0] = static_cast<uint8_t>(value >> 8);
  to[1] = static_cast<uint8_t>(value);
}

uint32_t get16(const uint8_t* from) { return uint32_t{from[0]} << 8 | from[1]; }

std::string exception_text(uint8_t code) {
  constexpr const char* kTexts[] = {"illegal function", "illegal address", "illegal value",
                                    "the device failed"};
  const bool is_known = code >= 1 && code <= std::size(kTexts);
  return "the device answers with exception " + std::to_string(code) +
         (is_known ? std::string(", ") + kTexts[code - 1] : "");
}

class ModbusPoll final : public TcpPoll {
 public:
  using TcpPoll::TcpPoll;

 private:
  void ask() override;
  void take_head();

  uint16_t transaction_ = 0;
  std::array<uint8_t, 12> request_{};
  std::array<uint8_t, kHeadBytes> head_{};
  std::array<char, kBytesMax> bytes_{};
};

void ModbusPoll::ask() {
  constexpr uint32_t kFollowing = 6;  // bytes from the unit on
  ++transaction_;
  request_ = {};
  put16(&request_[0], transaction_);
  put16(&request_[4], kFollowing);
  request_[6] = static_cast<uint8_t>(options_.unit_id);
  request_[7] = static_cast<uint8_t>(options_.function);
  put16(&request_[8], options_.address);
  put16(&request_[10], options_.count);
  asio::async_write(
      socket_, asio::buffer(request_), in_this([this](error_code error, size_t) {
        if (error) return fail_or_reconnect(error.message());
        asio::async_read(socket_, asio::buffer(head_), in_this([this](error_code failed, size_t n) {
                           if (!failed) return take_head();
                           n == 0 ? fail_or_reconnect(failed.message()) : fail(failed.message());
                         }));
      }));
}

void ModbusPoll::take_head() {
  const uint32_t bytes = 2 * options_.count;
  const bool is_ours =
      get16(&head_[0]) == transaction_ && get16(&head_[2]) == 0 && head_[6] == options_.unit_id;
  if (is_ours && head_[7] == (options_.function | kException)) {
    return fail(exception_text(head_[8]));
  }
  if (!is_ours || head_[7] != options_.function || head_[8] != bytes ||
      get16(&head_[4]) != bytes + 3) {
    return fail("the device answers something else than was asked");
  }
  asio::async_read(socket_, asio::buffer(bytes_, bytes),
                   in_this([this, bytes](error_code error, size_t) {
                     if (error) return fail(error.message());
                     answer({bytes_.data(), bytes}, true);
                   }));
}

}  // namespace

std::shared_ptr<Poll> make_modbus_poll(asio::io_context& io, const InputOptions& options) {
  return std::make_shared<ModbusPoll>(io, options);
}

}  // namespace wayside
