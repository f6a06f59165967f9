// SPDX-License-Identifier: Apache-2.0
#include "base/stop.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "base/error.h"

namespace fluxtile {
namespace {

class StopTest : public ::testing::Test {
 protected:
  void SetUp() override { Stop::clear(); }
  void TearDown() override { Stop::clear(); }
};

TEST_F(StopTest, NothingIsRequestedAtFirst) {
  EXPECT_EQ(Stop::requested(), 0);
  EXPECT_NO_THROW(Stop::throw_if_requested());
}

TEST_F(StopTest, SignalsBecomeAnInterruption) {
  Stop::install_handlers();
  for (const int signal : {SIGTERM, SIGUSR1, SIGXCPU}) {
    Stop::clear();
    ASSERT_EQ(std::raise(signal), 0);
    EXPECT_EQ(Stop::requested(), signal);
    try {
      Stop::throw_if_requested();
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::interrupted);
    }
  }
}

TEST_F(StopTest, ASignalEndsASleep) {
  Stop::sleep(std::chrono::milliseconds(1));
  std::thread signal([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    Stop::request(SIGTERM);
  });
  EXPECT_THROW(Stop::sleep(std::chrono::seconds(20)), Error);
  signal.join();
}

}  // namespace
}  // namespace fluxtile
