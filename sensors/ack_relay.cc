#include "sensors/ack_relay.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <filesystem>

#include "base/log.h"
#include "sensors/ack_link.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr auto kAcceptPause = std::chrono::milliseconds(100);

// Is the other end of `socket` a descriptor of this process? No privilege is needed for this.
bool is_our_own(const TcpSocket& socket) {
  error_code error;
  auto far = socket.remote_endpoint(error);
  auto near = socket.local_endpoint(error);
  if (error) return false;
  auto same = [](const sockaddr_in& a, const tcp::endpoint& b) {
    return a.sin_family == AF_INET && ntohs(a.sin_port) == b.port() &&
           ntohl(a.sin_addr.s_addr) == b.address().to_v4().to_uint();
  };
  std::error_code no_list;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", no_list)) {
    int fd = std::atoi(entry.path().filename().c_str());
    sockaddr_in own{};
    sockaddr_in peer{};
    socklen_t own_size = sizeof own;
    socklen_t peer_size = sizeof peer;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_size) == 0 &&
        getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0 && same(own, far) &&
        same(peer, near)) {
      return true;
    }
  }
  return false;
}

}  // namespace

void AckRelay::Core::accept() {
  acceptor.async_accept([self = shared_from_this()](error_code error, TcpSocket socket) {
    if (error == asio::error::operation_aborted || !self->acceptor.is_open()) return;
    if (error) return self->accept_later();
    if (is_our_own(socket)) {
      if (self->link) self->link->close();  // Paho has given up the old one
      self->link = std::make_shared<Link>(self, std::move(socket));
      self->link->start();
    } else {
      ++self->counters.refused;
    }
    self->accept();
  });
}

// There are no descriptors left, say: the connection still waits, and trying at once would keep us
// busy.
void AckRelay::Core::accept_later() {
  accept_pause.expires_after(kAcceptPause);
  accept_pause.async_wait([self = shared_from_this()](error_code error) {
    if (!error && self->acceptor.is_open()) self->accept();
  });
}

void AckRelay::Core::schedule_release() {
  if (release_posted.exchange(true)) return;
  asio::post(io, [self = shared_from_this()] {
    self->release_posted = false;
    if (self->link) self->link->write_acks();
  });
}

AckRelay::AckRelay(asio::io_context& io, RelayOptions options, Handler handler)
    : core_(std::make_shared<Core>(io, std::move(options), std::move(handler))) {
  core_->accept();
}

AckRelay::~AckRelay() {
  error_code ignored;
  core_->acceptor.close(ignored);
  core_->accept_pause.cancel();
  if (auto link = core_->link) link->close();
}

const RelayCounters& AckRelay::counters() const { return core_->counters; }

uint16_t AckRelay::port() const { return core_->acceptor.local_endpoint().port(); }

void AckRelay::release(uint64_t ticket) {
  core_->released = ticket;  // tickets only grow, and one thread releases them
  core_->schedule_release();
}

void AckRelay::resume() {
  asio::post(core_->io, [core = core_] {
    if (core->link) core->link->resume();
  });
}

void AckRelay::stop_reading() {
  core_->stopped_reading = true;
  if (core_->link) core_->link->answer_pings();
}

bool AckRelay::acks_written() const { return !core_->link || core_->link->acks_written(); }

}  // namespace wayside
