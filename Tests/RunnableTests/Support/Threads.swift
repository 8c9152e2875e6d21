import Glibc

/// A number for the calling thread, different from those of all other living threads.
func threadNumber() -> UInt { UInt(pthread_self()) }
