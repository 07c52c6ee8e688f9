<?php
// Writes what WHMCS and its licensing addon know of your licenses, for:
//
//     signet license import whmcs.jsonl --from whmcs --product-map 12=your-product --dry-run
//
// Run it where WHMCS runs, from its own settings:
//
//     php export.php --whmcs /var/www/whmcs --output whmcs.jsonl
//
// or against any database that PHP's PDO can open, such as a copy; the password is read from WHMCS_DB_PASSWORD:
//
//     php export.php --dsn 'mysql:host=127.0.0.1;dbname=whmcs;charset=utf8mb4' --user reader --output whmcs.jsonl
//
// It only reads, in one transaction. It takes no name, no e-mail and no password along. The file holds license keys and
// the products' secret keys all the same: it is made readable by you alone, and belongs deleted after the import.
// PHP 7.4 or later. docs/whmcs.md describes every column that is read and every member that is written.
declare(strict_types=1);

/** Settings of a licensing product, by their place among the module's settings. */
const ALLOWS_ANY_DOMAIN = 'configoption4';
const ALLOWS_ANY_ADDRESS = 'configoption5';
const SECRET_KEY = 'configoption8';
/** What is paid once or never has no day on which it is due. */
const CYCLES_WITHOUT_END = ['free account', 'free', 'one time', 'onetime'];
/** Kinds of options that are a number: a yes or no, and a quantity. */
const OPTION_TYPES_WITH_NUMBER = [3, 4];

function usage(string $problem): void
{
    fwrite(STDERR, "export.php: $problem\n"
        . "usage: php export.php (--whmcs DIRECTORY | --dsn DSN [--user USER]) [--output FILE]\n");
    exit(2);
}

/** The database of the WHMCS in a directory, by its configuration.php. */
function databaseOfWhmcs(string $directory): PDO
{
    $file = rtrim($directory, '/') . '/configuration.php';
    if (!is_readable($file)) {
        usage("$file cannot be read");
    }
    $settings = (static function (string $file): array {
        $db_host = $db_port = $db_name = $db_username = $db_password = '';
        include $file;
        return [$db_host, (string) $db_port, $db_name, $db_username, $db_password];
    })($file);
    [$host, $port, $name, $user, $password] = $settings;
    $dsn = "mysql:host=$host;dbname=$name;charset=utf8mb4" . ($port === '' ? '' : ";port=$port");
    return open($dsn, $user, $password);
}

function open(string $dsn, ?string $user, ?string $password): PDO
{
    return new PDO($dsn, $user, $password, [
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
        PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
    ]);
}

/** The names of a table's columns: older versions of WHMCS have fewer. */
function columns(PDO $database, string $table): array
{
    $statement = $database->query("SELECT * FROM $table LIMIT 1");
    $names = [];
    for ($index = 0; $index < $statement->columnCount(); $index++) {
        $names[] = strtolower($statement->getColumnMeta($index)['name']);
    }
    return $names;
}

/** A column of a table, or an empty text where it has none. */
function column(PDO $database, string $table, string $alias, string $name): string
{
    return in_array($name, columns($database, $table), true) ? "$alias.$name" : "'' AS $name";
}

// MARK: Values

/** A number as it is written: some versions pad it with zeros. */
function number($value): string
{
    return (string) (int) $value;
}

/** Text as people see it: WHMCS stores much of it as HTML. */
function text($value): ?string
{
    $text = trim(html_entity_decode((string) $value, ENT_QUOTES | ENT_HTML5, 'UTF-8'));
    return $text === '' ? null : $text;
}

function day($value): ?string
{
    $day = substr((string) $value, 0, 10);
    return preg_match('/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/', $day) && $day[0] . $day[1] !== '00' ? $day : null;
}

function isOn($value): bool
{
    return in_array(strtolower(trim((string) $value)), ['on', '1', 'yes', 'true'], true);
}

/** The entries of a list with commas. */
function entries($value): array
{
    return array_values(array_filter(array_map('trim', explode(',', (string) $value)), static function ($entry) {
        return $entry !== '';
    }));
}

/** The name that programs use, of "name|What customers see". */
function systemName($value): string
{
    return explode('|', (string) text($value))[0];
}

// MARK: What is exported

/** Days after the due date on which billing suspends, or null when it does not. */
function suspendAfterDays(PDO $database): ?int
{
    $settings = $database->query(
        "SELECT setting, value FROM tblconfiguration WHERE setting IN ('AutoSuspension', 'AutoSuspensionDays')"
    )->fetchAll(PDO::FETCH_KEY_PAIR);
    return isOn($settings['AutoSuspension'] ?? '') ? (int) ($settings['AutoSuspensionDays'] ?? 0) : null;
}

function products(PDO $database): iterable
{
    $rows = $database->query(
        'SELECT id, name, ' . ALLOWS_ANY_DOMAIN . ' AS any_domain, ' . ALLOWS_ANY_ADDRESS . ' AS any_address, '
        . SECRET_KEY . " AS secret FROM tblproducts WHERE servertype = 'licensing'"
        . ' OR id IN (SELECT h.packageid FROM tblhosting h JOIN mod_licensing l ON l.serviceid = h.id) ORDER BY id'
    );
    foreach ($rows as $row) {
        yield [
            'type' => 'product', 'id' => number($row['id']), 'name' => text($row['name']) ?? number($row['id']),
            'secret' => text($row['secret']), 'allows_any_domain' => isOn($row['any_domain']),
            'allows_any_address' => isOn($row['any_address']),
        ];
    }
}

function customers(PDO $database): iterable
{
    $rows = $database->query(
        'SELECT DISTINCT h.userid FROM mod_licensing l JOIN tblhosting h ON h.id = l.serviceid ORDER BY h.userid'
    );
    foreach ($rows as $row) {
        yield ['type' => 'customer', 'id' => number($row['userid'])];
    }
}

/** What was chosen at the order, by service. */
function options(PDO $database): array
{
    $rows = $database->query(
        'SELECT o.relid, o.qty, c.optionname AS name, c.optiontype AS kind, s.optionname AS choice'
        . ' FROM tblhostingconfigoptions o JOIN tblproductconfigoptions c ON c.id = o.configid'
        . ' LEFT JOIN tblproductconfigoptionssub s ON s.id = o.optionid'
        . ' WHERE o.relid IN (SELECT serviceid FROM mod_licensing) ORDER BY o.relid, o.id'
    );
    $options = [];
    foreach ($rows as $row) {
        $isNumber = in_array((int) $row['kind'], OPTION_TYPES_WITH_NUMBER, true);
        $options[number($row['relid'])][] = [
            'name' => systemName($row['name']),
            'value' => $isNumber ? number($row['qty']) : systemName($row['choice']),
        ];
    }
    return $options;
}

/** What was sold along, by service, and each row by its own number. */
function addons(PDO $database): array
{
    $rows = $database->query(
        'SELECT a.id, a.hostingid, a.addonid, a.name, a.status, a.regdate, a.nextduedate, a.billingcycle,'
        . ' b.name AS addon_name FROM tblhostingaddons a LEFT JOIN tbladdons b ON b.id = a.addonid'
        . ' WHERE a.hostingid IN (SELECT serviceid FROM mod_licensing) ORDER BY a.hostingid, a.id'
    );
    [$byService, $byID] = [[], []];
    foreach ($rows as $row) {
        $name = text($row['name']) ?? text($row['addon_name']);
        $byID[number($row['id'])] = $row + ['shown_name' => $name ?? number($row['addonid'])];
        if ($name !== null) {
            $byService[number($row['hostingid'])][] = [
                'name' => $name, 'next_due' => day($row['nextduedate']), 'status' => $row['status'],
            ];
        }
    }
    return [$byService, $byID];
}

function neverSuspend(array $row): ?string
{
    return isOn($row['overideautosuspend']) ? day($row['overidesuspenduntil']) ?? 'always' : null;
}

/** All licenses; $addonProducts is filled with the products of those that are sold as addons. */
function licenses(PDO $database, array &$addonProducts): iterable
{
    $options = options($database);
    [$addons, $addonsByID] = addons($database);
    $wanted = ['l.id', 'l.serviceid', 'l.licensekey', 'l.validdomain', 'l.validip', 'l.status',
        column($database, 'mod_licensing', 'l', 'addon_id'), 'h.userid', 'h.packageid', 'h.regdate', 'h.nextduedate',
        'h.billingcycle', 'h.domainstatus', column($database, 'tblhosting', 'h', 'suspendreason'),
        column($database, 'tblhosting', 'h', 'overideautosuspend'),
        column($database, 'tblhosting', 'h', 'overidesuspenduntil')];
    $rows = $database->query(
        'SELECT ' . implode(', ', $wanted) . ' FROM mod_licensing l JOIN tblhosting h ON h.id = l.serviceid'
        . ' ORDER BY l.id'
    );
    foreach ($rows as $row) {
        $service = number($row['serviceid']);
        $product = number($row['packageid']);
        $addon = $addonsByID[number($row['addon_id'])] ?? null;
        if ($addon !== null) {
            // The license is that of the addon, and goes the way of the addon's own payments.
            $product = 'addon-' . number($addon['addonid']);
            $addonProducts[$product] = $addon['shown_name'];
            foreach (['regdate', 'nextduedate', 'billingcycle'] as $name) {
                $row[$name] = $addon[$name];
            }
            $row['domainstatus'] = $addon['status'];
        }
        $isOnce = in_array(strtolower(trim((string) $row['billingcycle'])), CYCLES_WITHOUT_END, true);
        yield [
            'type' => 'license', 'id' => number($row['id']), 'service' => $service, 'product' => $product,
            'customer' => number($row['userid']), 'key' => trim((string) $row['licensekey']),
            'status' => $row['status'], 'service_status' => $row['domainstatus'],
            'registered' => day($row['regdate']), 'next_due' => $isOnce ? null : day($row['nextduedate']),
            'billing_cycle' => text($row['billingcycle']), 'suspend_reason' => text($row['suspendreason']),
            'never_suspend' => neverSuspend($row), 'domains' => entries($row['validdomain']),
            'addresses' => entries($row['validip']), 'config_options' => $options[$service] ?? [],
            'addons' => $addons[$service] ?? [],
        ];
    }
}

// MARK: The file

function export(PDO $database, $output): array
{
    $counts = ['product' => 0, 'customer' => 0, 'license' => 0];
    $write = static function (array $line) use ($output, &$counts): void {
        $flags = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR;
        if (fwrite($output, json_encode($line, $flags) . "\n") === false) {
            throw new RuntimeException('the file cannot be written');
        }
        if (isset($line['type'])) {
            $counts[$line['type']]++;
        }
    };
    $database->beginTransaction();
    $write([
        'format' => 'signet-import', 'version' => 1, 'source' => 'whmcs', 'exported_at' => gmdate('Y-m-d\TH:i:s\Z'),
        'suspend_after_days' => suspendAfterDays($database),
    ]);
    $addonProducts = [];
    foreach ([products($database), customers($database), licenses($database, $addonProducts)] as $lines) {
        foreach ($lines as $line) {
            $write($line);
        }
    }
    ksort($addonProducts);
    foreach ($addonProducts as $id => $name) {
        $write(['type' => 'product', 'id' => (string) $id, 'name' => $name, 'secret' => null]);
        fwrite(STDERR, "export.php: the secret key of $id ($name) is not exported; put it into its line\n");
    }
    $database->rollBack();
    return $counts;
}

$options = getopt('', ['whmcs:', 'dsn:', 'user:', 'output:'], $rest);
if ($rest < count($argv)) {
    usage("{$argv[$rest]} is no option");
}
if (isset($options['whmcs']) === isset($options['dsn'])) {
    usage('say either --whmcs or --dsn');
}
try {
    $database = isset($options['whmcs'])
        ? databaseOfWhmcs($options['whmcs'])
        : open($options['dsn'], $options['user'] ?? null, getenv('WHMCS_DB_PASSWORD') ?: null);
    umask(0077);
    $output = isset($options['output']) ? fopen($options['output'], 'wb') : STDOUT;
    if ($output === false) {
        usage("{$options['output']} cannot be written");
    }
    $counts = export($database, $output);
    fwrite(STDERR, "export.php: {$counts['product']} products, {$counts['customer']} customers, "
        . "{$counts['license']} licenses\n");
} catch (Throwable $problem) {
    fwrite(STDERR, 'export.php: ' . $problem->getMessage() . "\n");
    exit(1);
}
