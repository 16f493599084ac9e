// Everything a program with workflows needs.
#pragma once

#include <weir/refused.hpp>

#include <weir/context.hpp>
#include <weir/error.hpp>
#include <weir/event.hpp>
#include <weir/retry.hpp>
#include <weir/run.hpp>
#include <weir/runtime.hpp>
#include <weir/store.hpp>
#include <weir/task.hpp>
#include <weir/workflow.hpp>

#if __has_include(<weir/server.hpp>)
#include <weir/server.hpp>
#endif
