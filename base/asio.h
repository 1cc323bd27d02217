// Asio's sockets and timers on an io_context. By their usual names they would take executors of all
// kinds, and each operation of each of them would be compiled once more for that.
#pragma once

#include <boost/asio.hpp>
#include <chrono>

namespace wayside {

using IoExecutor = boost::asio::io_context::executor_type;

using TcpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, IoExecutor>;
using TcpAcceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, IoExecutor>;
using TcpResolver = boost::asio::ip::basic_resolver<boost::asio::ip::tcp, IoExecutor>;
using UdpSocket = boost::asio::basic_datagram_socket<boost::asio::ip::udp, IoExecutor>;
using LocalSocket =
    boost::asio::basic_stream_socket<boost::asio::local::stream_protocol, IoExecutor>;
using LocalAcceptor =
    boost::asio::basic_socket_acceptor<boost::asio::local::stream_protocol, IoExecutor>;
using StreamDescriptor = boost::asio::posix::basic_stream_descriptor<IoExecutor>;
using SignalSet = boost::asio::basic_signal_set<IoExecutor>;
using SteadyTimer = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, IoExecutor>;

}  // namespace wayside
