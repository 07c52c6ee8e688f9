import Dispatch

/// Long work with files and passphrases, away from the threads that answer requests.
package enum OffLoop {
    /// The value of `body`, run on a thread that may block.
    package static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result(catching: body)) }
        }
    }
}
