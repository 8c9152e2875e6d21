#ifndef CLIBEVENT_SHIM_H
#define CLIBEVENT_SHIM_H
#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/eventfd.h>
#endif
