// Waiting in tests: for a thing, with a deadline that says what was awaited.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>

/// Looks until `there` is true: without a pause at first, so that what comes at once is seen as it comes. Fails the test, naming what
/// it waited for, when that takes longer than a minute.
template <class F>
void until(const std::string& what, F&& there) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  for (int looks = 0; !there(); ++looks) {
    if (std::chrono::steady_clock::now() > deadline) FAIL("waited in vain until " << what);
    if (looks < 1000) std::this_thread::yield();
    else std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}
