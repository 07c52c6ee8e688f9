import Licensing
import Primitives
import Secrets

/// Warm lookups in an index.
final class Load {
    /// Lookups of one round.
    static let lookups = 2_000_000

    let name: String
    private let population: Population
    private let index: LicenseIndex
    /// Numbers of activations in the order in which they are asked for, again and again.
    private let asked: [Int]
    private var now = Population.start
    private var nanoseconds: [Double] = []

    init(_ name: String, _ population: Population, _ index: LicenseIndex, asked: [Int]) {
        self.name = name
        self.population = population
        self.index = index
        self.asked = asked
    }

    /// What a repeated validation asks of the index, which notes the time each time.
    func run() {
        let before = Process.cpuNanoseconds
        for number in 0..<Self.lookups {
            if number.isMultiple(of: asked.count) { now = now + .milliseconds(1) }
            let activation = asked[number % asked.count]
            guard let license = index.license(forKey: population.key(activation / population.activationsEach)),
                index.confirm(
                    population.place(activation), addressesPerSeat: index.policy(license.policy).addressesPerSeat,
                    at: now) != nil
            else { preconditionFailure("activation \(activation) is not in the index") }
        }
        nanoseconds.append(Double(Process.cpuNanoseconds - before) / Double(Self.lookups))
    }

    /// CPU of one lookup; the first round, which warms up, does not count.
    var median: Double { nanoseconds.dropFirst().sorted()[(nanoseconds.count - 1) / 2] }
}
