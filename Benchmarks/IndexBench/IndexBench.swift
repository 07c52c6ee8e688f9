import Licensing

/// Resident bytes for a license with one activation, and CPU of a warm lookup in a small and in a large index.
/// Method, and what the figures do not say: Benchmarks/README.md.
@main
enum IndexBench {
    /// Activations that are asked for again and again, whatever the size of the index.
    private static let hot = 100_000
    private static let rounds = 5

    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.count < 2, let count = Int(arguments.first ?? "1000000"), count >= hot else {
            print("usage: IndexBench [LICENSES]   (\(hot) or more; 1000000 unless told)")
            preconditionFailure("wrong arguments")
        }
        let small = Population(licenses: hot / 10, activationsEach: 10)
        let smallIndex = LicenseIndex()
        small.fill(smallIndex)
        let large = Population(licenses: count, activationsEach: 1)
        let largeIndex = LicenseIndex()
        measureMemory(of: large, in: largeIndex)

        let all = Array(0..<count).shuffled()
        let loads = [
            Load(
                "\(small.licenses), 10 activations each, all asked", small, smallIndex, asked: Array(0..<hot).shuffled()
            ),
            Load("\(count), one activation each, \(hot) asked", large, largeIndex, asked: Array(all.prefix(hot))),
            Load("\(count), one activation each, all asked", large, largeIndex, asked: all),
        ]
        for _ in 0...rounds { for load in loads { load.run() } }
        print("warm lookup of key, policy and place: CPU, median of \(rounds) rounds of \(Load.lookups)")
        for load in loads {
            let ratio = load.median / loads[0].median
            print("  \(load.name): \(rounded(load.median)) ns, ratio \(rounded(ratio))")
        }
    }

    private static func measureMemory(of population: Population, in index: LicenseIndex) {
        let (bytes, nanoseconds) = (Process.residentBytes, Process.cpuNanoseconds)
        population.fill(index)
        let count = Double(population.licenses)
        let bytesEach = Double(Process.residentBytes - bytes) / count
        let nanosecondsEach = Double(Process.cpuNanoseconds - nanoseconds) / count
        print("\(population.licenses) licenses with one activation")
        print("  resident: \(rounded(bytesEach)) bytes each")
        print("  taken in one by one: \(rounded(nanosecondsEach)) ns of CPU each")
    }

    private static func rounded(_ number: Double) -> String { "\((number * 100).rounded() / 100)" }
}
