import Glibc

/// Keeps a thread until the test lets it go.
final class Hold: @unchecked Sendable {  // @unchecked: the semaphore is made for several threads
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func wait() { while sem_wait(semaphore) != 0 {} }
    func end() { sem_post(semaphore) }
}
