import { type Pool, query } from '../../src/postgres/pool.ts'

/**
 * Tables of a schema with their columns, constraints and indexes, and its views, as the server's catalogue tells them: the same text
 * whatever the schema is called and in whatever order it was made. Not meant to be run.
 */
export async function dumpSchema(pool: Pool, schema: string): Promise<string> {
  const { rows } = await query<{ definition: string }>(pool, statement, [schema])
  const own = new RegExp(`"?${schema}"?\\.`, 'g')
  return `${rows.map(({ definition }) => definition.replaceAll(own, ':schema.')).join('\n\n')}\n`
}

const statement = `
  select concat_ws(E'\\n', case c.relkind when 'v' then 'view' else 'table' end || ' :schema.' || c.relname || coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', ''),
           (select string_agg('  ' || concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
                                case when a.attcollation <> t.typcollation then 'collate ' || quote_ident(l.collname) end,
                                case when a.attnotnull then 'not null' end,
                                case when a.attgenerated = 's' then 'generated as ' || pg_get_expr(d.adbin, d.adrelid)
                                     else 'default ' || pg_get_expr(d.adbin, d.adrelid) end), E'\\n' order by a.attname)
              from pg_attribute a join pg_type t on t.oid = a.atttypid
              left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
              left join pg_collation l on l.oid = a.attcollation
             where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
           -- A newer server names what an older one does not: that a column is not null.
           (select string_agg('  constraint ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid), E'\\n' order by k.conname)
              from pg_constraint k where k.conrelid = c.oid and k.contype <> 'n'),
           (select string_agg('  ' || pg_get_indexdef(i.indexrelid), E'\\n' order by pg_get_indexdef(i.indexrelid))
              from pg_index i where i.indrelid = c.oid
               and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u'))),
           case c.relkind when 'v' then pg_get_viewdef(c.oid, 80) end
         ) as definition
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and c.relkind in ('r', 'p', 'v') order by c.relname`
